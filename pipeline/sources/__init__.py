"""Where records come from: files, globs, standard input, growing files; cut into blocks of whole lines."""
