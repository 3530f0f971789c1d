"""What OpenStack needs beyond HTTP: clouds.yaml and tokens by its SDK, and notifications from its message bus."""
