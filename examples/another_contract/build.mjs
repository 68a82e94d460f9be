// Compile the contract to the artifact beside it. 'npm ci' in contracts/ installs the compiler.
import { writeFileSync } from "node:fs";
import { compile } from "../../contracts/tools/compile.mjs";

const name = "../examples/another_contract/EpochAuction.sol:EpochAuction";
const { [name]: artifact } = compile([name]);
writeFileSync(new URL("EpochAuction.json", import.meta.url), JSON.stringify(artifact, null, 1) + "\n");
