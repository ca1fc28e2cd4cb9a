"""Proof that a journal was not changed: its Merkle tree, what is signed of it, what proves what.

The tree follows the head in the background (`checkpointer.py`): full tiles are kept, the right
edge is computed from the events when it is asked for (`tree.py`). A root is signed (`signing.py`)
only if the tree still begins with what was signed before, which a file beside the key remembers
(`remembered.py`).
"""
