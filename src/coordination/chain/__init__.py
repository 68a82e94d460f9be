"""The contract as Python sees it: artifacts, signatures, deployments; an EVM in this process, chains over RPC."""
