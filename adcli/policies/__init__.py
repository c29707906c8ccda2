"""What learning a policy and valuing one share: context, reward model, the policy and its directory."""
