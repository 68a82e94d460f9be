// Rebuild the committed artifacts; with --check, change nothing, and fail if any byte of them is not what the sources give.
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile, root } from "./compile.mjs";

const shipped = [
  "src/SeedProverCoordination.sol:SeedProverCoordination",
  "src/HardenedProverCoordination.sol:HardenedProverCoordination",
  "src/dev/TestToken.sol:TestToken",
  "src/dev/ValidatorSet.sol:ValidatorSet",
  "src/dev/FixedSchedule.sol:FixedSchedule",
  "src/dev/WorkVerifier.sol:WorkVerifier",
];

const directory = join(root, "..", "src", "coordination", "chain", "artifacts");
const built = Object.values(compile(shipped)).map((artifact) => [
  `${artifact.contractName}.json`,
  JSON.stringify(artifact, null, 1) + "\n",
]);

if (process.argv[2] === "--check") check();
else build();

function build() {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const [file, text] of built) writeFileSync(join(directory, file), text);
}

function check() {
  const wanted = Object.fromEntries(built);
  const found = existsSync(directory) ? readdirSync(directory) : [];
  const surplus = found.filter((file) => !(file in wanted));
  const stale = Object.keys(wanted).filter((file) => !found.includes(file) || read(file) !== wanted[file]);
  if (surplus.length + stale.length === 0) return;
  console.error(`error: not what the sources give: ${[...stale, ...surplus].join(", ")}; run 'npm run build' in contracts/`);
  process.exitCode = 1;
}

function read(file) {
  return readFileSync(join(directory, file), "utf8");
}
