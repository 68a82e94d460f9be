"""The rollup contract as Python sees it: artifacts, signatures, deployments; an EVM in this process, and chains over RPC."""
