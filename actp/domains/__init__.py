"""The domain agents: each reads by one SQL function, decides in pure Python, writes by another."""
