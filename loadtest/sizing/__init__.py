"""How many nodes a target needs: the rate that one node bears, and arithmetic."""
