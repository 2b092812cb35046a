"""What people look at: numbers, tables, and later plots and pages."""
