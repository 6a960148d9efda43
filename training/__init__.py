"""From races to a registered model: split, search, calibrate, judge, write, register, promote."""
