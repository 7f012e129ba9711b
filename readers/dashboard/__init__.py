"""The page at `/`: plain HTML, CSS and ES modules, without a build and without outside addresses."""
