"""Environment, connectors, views and UDF wrappers: beside jobs/ the only importer of pyflink."""
