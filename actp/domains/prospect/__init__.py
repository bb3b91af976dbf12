"""Prospects: how far each contact is on the way to a sale, and what to do next."""
