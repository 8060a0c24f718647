"""What real engines sent, sent again."""
