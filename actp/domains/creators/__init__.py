"""The creators agent: finds creators in our niches and rates their fit."""
