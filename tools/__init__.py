"""What is made of the built book, and what is measured on it."""
