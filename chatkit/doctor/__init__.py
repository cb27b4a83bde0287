"""What breaks the widget on somebody's page, found from outside: what is asked, what was found, what to do about it."""
