"""A node held to the specification: real cores, with real keys, in a world that is simulated.

- `setting`: who there is, who proposes when, how long things take;
- `live`: the specification run in place, on states without bounds;
- `letters`: what is signed and sent, and what was really signed;
- `shadow`: what one node knows, as a state of the specification, and in `process` what that has no place for;
- `matching`: each effect of a node as a step of the specification, and `duties`: the steps that it owes;
- `chain`, `network`, `adversary`: L1, gossip, and who abuses both;
- `node`: a core with its disk, its operator and its clock; `simulation`: all of it, moved by `moves`;
- `safety`: the specification's properties along the chain;
- `run`: long runs of a seed, by its `director`; `stateful`: short ones, by Hypothesis; `faults`: what must be caught.
"""
