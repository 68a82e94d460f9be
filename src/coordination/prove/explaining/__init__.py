"""Why a proof is none: a state from which a step breaks the property, found in a small instance.

`counterexample` finds the simplest such state. `classification` says what it means, by what is reachable in the
instance (`explored`): the rules are wrong; or a lemma is missing, and `suggestion` has one, in the `wording` of the
machine language.
"""
