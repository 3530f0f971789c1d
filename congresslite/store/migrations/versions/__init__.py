"""The migrations, one file each; none is changed once it was released."""
