"""`make bench`: what the broker costs, side by side with what a job would otherwise do."""
