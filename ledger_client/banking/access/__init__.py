"""Access: users, their roles, the permission sets of roles, and the gate that asks them."""
