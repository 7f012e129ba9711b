"""Exposures and goals: what each visitor's events mean for an experiment, whatever their order of arrival."""
