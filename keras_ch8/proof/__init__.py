"""What is proven of a cure: the same program without it and with it, over several seeds."""
