"""The Contract Certificate Pool: OPNC CCP API 1.0 over ISO 15118 contract data."""
