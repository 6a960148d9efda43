"""Every track of Australia, New Zealand, Britain and Ireland that raced since about 2012, and its names."""
