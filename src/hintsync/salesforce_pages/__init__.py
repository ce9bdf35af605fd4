"""Our pages, buttons, reports and people's permissions in an org; `${…}` in these files is filled in at deployment."""
