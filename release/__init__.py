"""What a release has: packages, the chart, the plugin, images, a bill of materials for each."""
