"""The page at `/`: plain HTML, CSS and JavaScript in one file, without a build and without outside addresses."""
