"""The programs of the tree, one package each, and the runtime of actors that they share."""
