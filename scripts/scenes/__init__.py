"""The bundled sample scenes: a pen, people, props, settings and the twenty-four pictures."""
