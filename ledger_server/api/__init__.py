"""gRPC in, gRPC out: decode, hand over, encode. Decides nothing."""
