"""What `Guard` keeps, leaves out, and finds to be the origin."""
