"""What preflight asks of MySQL and MariaDB."""
