"""Starting the site: the set-up of a bare machine, the production server and the development server."""
