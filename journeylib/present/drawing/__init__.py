"""What every picture is drawn with: SVG parts, measured text, labels, PNG and PDF."""
