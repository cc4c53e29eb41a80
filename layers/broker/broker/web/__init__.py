"""What API Gateway and browsers see: requests, bodies, representations, links, pages."""
