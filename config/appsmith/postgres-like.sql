-- As options of initdb: what pg_upgrade needs two clusters to share. Version 18 enables checksums by default.
SELECT format('--encoding=%s --lc-collate=%s --lc-ctype=%s', pg_encoding_to_char(encoding), datcollate, datctype)
  || CASE WHEN current_setting('data_checksums') = 'on' THEN ' --data-checksums' WHEN :new >= 18 THEN ' --no-data-checksums' ELSE '' END
  FROM pg_database WHERE datname = 'template0';
