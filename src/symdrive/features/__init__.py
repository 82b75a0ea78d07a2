"""The one path from observation to tensors and from truth to targets."""
