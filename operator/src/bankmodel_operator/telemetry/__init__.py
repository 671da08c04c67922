"""What the operator tells about itself, and what it reads from the serving pods' metrics port."""
