"""Own servers, pages and slow links that instruments start."""
