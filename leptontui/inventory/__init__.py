"""Which hosts there are: inventory files read and watched, other inventories asked, the last good answer kept."""
