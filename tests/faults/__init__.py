"""What happens when the store fails: nothing acknowledged is lost, nothing half-done stays, nothing hangs."""
