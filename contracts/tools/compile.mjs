// Solidity to artifacts with npm's solc, the same bytes on every machine: no metadata hash, no absolute path.
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import solc from "solc";

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");

const packages = createRequire(join(root, "package.json"));

const settings = {
  evmVersion: "cancun",
  optimizer: { enabled: true, runs: 200 },
  metadata: { bytecodeHash: "none", appendCBOR: false },
};

const outputs = ["abi", "evm.bytecode.object", "evm.deployedBytecode.object", "storageLayout"];

/**
 * Compile the contracts `wanted`, each named like "src/dev/TestToken.sol:TestToken": their artifacts by these names.
 * A file is taken from `sources` (name to text) if it is there, else from contracts/, else from node_modules.
 * Throws solc's errors, as one text.
 */
export function compile(wanted, sources = {}) {
  const names = wanted.map((name) => name.split(":"));
  const files = names.map(([file]) => [file, sources[file] ?? readFileSync(join(root, file), "utf8")]);
  const contents = Object.entries({ ...Object.fromEntries(files), ...sources });
  const outputSelection = {};
  for (const [file, contract] of names) (outputSelection[file] ??= {})[contract] = outputs;
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(contents.map(([file, content]) => [file, { content }])),
    settings: { ...settings, outputSelection },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: findImport }));
  const errors = (output.errors ?? []).filter(({ severity }) => severity === "error");
  if (errors.length) throw new Error(errors.map(({ formattedMessage }) => formattedMessage).join("\n"));
  return Object.fromEntries(
    names.map(([file, contract]) => [`${file}:${contract}`, artifact(file, contract, output.contracts[file][contract])]),
  );
}

function findImport(path) {
  const own = join(root, path);
  try {
    return { contents: readFileSync(existsSync(own) ? own : packages.resolve(path), "utf8") };
  } catch {
    return { error: `${path} is not there; if it belongs to a package, run 'npm ci' in contracts/` };
  }
}

/** What Foundry and Hardhat call abi, bytecode and deployedBytecode, and the storage layout. */
function artifact(sourceName, contractName, { abi, evm, storageLayout }) {
  const types = Object.entries(storageLayout.types ?? {});
  return {
    contractName,
    sourceName,
    abi,
    bytecode: "0x" + evm.bytecode.object,
    deployedBytecode: "0x" + evm.deployedBytecode.object,
    storageLayout: {
      storage: storageLayout.storage.map(place),
      types: Object.fromEntries(types.map(([id, type]) => [typeName(id), describe(type)])),
    },
  };
}

function place({ label, slot, offset, type }) {
  return { label, slot, offset, type: typeName(type) };
}

function describe(type) {
  const plain = { ...type };
  for (const part of ["key", "value", "base"]) if (plain[part]) plain[part] = typeName(plain[part]);
  if (plain.members) plain.members = plain.members.map(place);
  return plain;
}

/** solc numbers the named types of a layout by the syntax tree, so that an unrelated line changes them: drop the numbers. */
function typeName(id) {
  return id.replace(/(t_(?:struct|enum|contract|userDefinedValueType)\([^()]*\))\d+/g, "$1");
}
