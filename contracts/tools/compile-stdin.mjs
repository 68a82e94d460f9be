// Compile many variants of the sources in one process.
//
// Standard input: {"wanted": ["src/X.sol:X", ...], "sets": [{"src/Y.sol": "text", ...}, ...]}, where a set holds only the
// files that differ from contracts/ ({} is what is there). Standard output, for each set in order, one line:
// {"contracts": {"src/X.sol:X": {abi, bytecode, deployedBytecode, storageLayout, ...}}} or {"error": "what solc said"}.
import { readFileSync, writeFileSync } from "node:fs";
import { compile } from "./compile.mjs";

const { wanted, sets } = JSON.parse(readFileSync(0, "utf8"));
// Written at once, so that a reader need not wait for the last: process.stdout would keep what the pipe does not hold.
for (const sources of sets) writeFileSync(1, JSON.stringify(compiled(sources)) + "\n");

function compiled(sources) {
  try {
    return { contracts: compile(wanted, sources) };
  } catch (error) {
    return { error: error.message };
  }
}
