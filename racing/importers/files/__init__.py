"""Files as strangers send them: packed, in some encoding, with dates in some order; read within bounds."""
