"""The rules of the pool: which contracts it stores, and which it gives to a car."""
