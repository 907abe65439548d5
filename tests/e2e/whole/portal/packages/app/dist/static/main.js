// built elsewhere
