-- Believable companies for the demo and for the awkward cases of tests. Their ids lie far from
-- iTop's demo set and from the bulk servers.

INSERT INTO base_delivery_model (id, name, org_id) VALUES
    (501, 'Managed services 24x7', 2),
    (502, 'Business hours support', 2);
INSERT INTO base_delivery_contact (deliverymodel_id, contact_id) VALUES
    (501, 37), (501, 38), (501, 39), (501, 501), (502, 37), (502, 36);

INSERT INTO base_organization (id, name, code, status, parent_id, deliverymodel_id) VALUES
    (5001, 'ACME Group', 'ACME', 'active', 0, 501),
    (5002, 'ACME Logistics', 'ACME-LOG', 'active', 5001, 501),
    (5003, 'ACME Retail', 'ACME-RET', 'active', 5001, 502),
    (5004, 'Hôpital Saint-Éloi', 'HSE', 'active', 0, 501),
    (5005, 'O''Brien & Sons', 'OBS', 'active', 0, 502),
    -- Has neither a delivery model, nor a contract, nor contacts, nor CIs.
    (5006, 'Nouvelle Entreprise', 'NEW', 'active', 0, 0),
    -- Left, but never deleted.
    (5007, 'Globex (closed)', 'GLX', 'inactive', 0, 502),
    -- The backslash that an unescaped query swallows.
    (5008, 'Back\Slash Ltd', 'BSL', 'active', 0, 502);

INSERT INTO base_contact (id, finalclass, first_name, name, org_id, status, email, phone, function) VALUES
    (501, 'Team', '', 'On-call team', 2, 'active', 'oncall@it.example', '', ''),
    (502, 'Team', '', 'Former team', 2, 'inactive', '', '', ''),
    (601, 'Person', 'Julie', 'Martin', 5002, 'active', 'julie.martin@acme.example', '+33 1 23 45 67 01', 'Site manager'),
    (602, 'Person', 'Karim', 'Benali', 5002, 'active', 'karim.benali@acme.example', '+33 1 23 45 67 02', 'IT correspondent'),
    -- Left the company.
    (603, 'Person', 'Paul', 'Ancien', 5002, 'inactive', 'paul.ancien@acme.example', '', ''),
    -- Two persons of one name in one company.
    (604, 'Person', 'Jean', 'Dupont', 5002, 'active', 'jean.dupont@acme.example', '', 'Driver'),
    (605, 'Person', 'Jean', 'Dupont', 5002, 'active', 'jean.dupont2@acme.example', '', 'Accountant'),
    (606, 'Person', 'Sofia', 'Rossi', 5001, 'active', 'sofia.rossi@acme.example', '', 'CIO'),
    (607, 'Person', 'Lucas', 'Petit', 5003, 'active', 'lucas.petit@acme.example', '', 'Shop manager'),
    (608, 'Person', 'Élodie', 'Lefèvre', 5004, 'active', 'elodie.lefevre@saint-eloi.example', '+33 4 67 00 00 01', 'Head nurse'),
    (609, 'Person', 'Marc', 'Vidal', 5004, 'active', 'marc.vidal@saint-eloi.example', '', 'IT manager'),
    (610, 'Person', 'Síle', 'O''Brien', 5005, 'active', 'sile@obrien.example', '', 'Director'),
    (611, 'Person', 'Old', 'Globex', 5007, 'active', 'old@globex.example', '', '');

INSERT INTO base_service (id, name, servicefamily_name, status, description) VALUES
    (11, 'Server hosting', 'Infrastructure', 'production', 'Physical and virtual servers in our data centres.'),
    (12, 'Network', 'Infrastructure', 'production', 'WAN links, switches, firewalls and Wi-Fi.'),
    (13, 'Business applications', 'Applications', 'production', 'ERP, CRM and the hospital information system.'),
    (14, 'Fax service', 'Infrastructure', 'obsolete', 'Replaced by e-mail.'),
    (15, 'Remote desktops', 'Infrastructure', 'implementation', 'Being introduced.');

INSERT INTO base_service_element (id, name, service_id, request_type, status) VALUES
    (101, 'Server down', 11, 'incident', 'production'),
    (102, 'Disk space', 11, 'incident', 'production'),
    (103, 'New virtual machine', 11, 'service_request', 'production'),
    (104, 'Link down', 12, 'incident', 'production'),
    (105, 'Slow network', 12, 'incident', 'production'),
    (106, 'Firewall rule', 12, 'service_request', 'production'),
    (107, 'Application unavailable', 13, 'incident', 'production'),
    (108, 'New account', 13, 'service_request', 'production'),
    (109, 'Floppy drives', 11, 'incident', 'obsolete'),
    (110, 'Fax jam', 14, 'incident', 'obsolete');

INSERT INTO base_customer_contract (id, name, org_id, status) VALUES
    (501, 'ACME Group 2026', 5001, 'production'),
    (502, 'ACME Logistics 2026', 5002, 'production'),
    (503, 'ACME Logistics network', 5002, 'production'),
    (504, 'ACME Retail 2026', 5003, 'production'),
    (505, 'Saint-Éloi 2025-2028', 5004, 'production'),
    (506, 'O''Brien base contract', 5005, 'production'),
    (507, 'Globex 2019', 5007, 'obsolete'),
    (508, 'Back\Slash base contract', 5008, 'production');
-- The service Network reaches ACME Logistics by two contracts: joins return it twice.
INSERT INTO base_contract_service (customercontract_id, service_id) VALUES
    (501, 11), (501, 12), (502, 11), (502, 12), (502, 13), (502, 14), (503, 12),
    (504, 1), (504, 12), (505, 11), (505, 12), (505, 13), (506, 2), (507, 1), (508, 11);

INSERT INTO base_ci (id, finalclass, name, org_id, business_criticity, status, system_name) VALUES
    (200001, 'Server', 'web01.acme.example', 5002, 'high', 'production', ''),
    (200002, 'Server', 'db01.acme.example', 5002, 'high', 'production', ''),
    (200003, 'NetworkDevice', 'sw-depot-1', 5002, 'medium', 'production', ''),
    -- One name, twice, in one company.
    (200004, 'Server', 'printsrv', 5002, 'low', 'production', ''),
    (200005, 'VirtualMachine', 'printsrv', 5002, 'low', 'production', ''),
    (200006, 'Server', 'old-nas', 5002, 'low', 'obsolete', ''),
    (200007, 'ApplicationSolution', 'WMS', 5002, 'high', 'active', ''),
    (200008, 'Server', 'web01.acme.example', 5003, 'medium', 'production', ''),
    (200009, 'PC', 'till-12', 5003, 'low', 'production', ''),
    (200010, 'Server', 'srv-imagerie', 5004, 'high', 'production', ''),
    (200011, 'VirtualMachine', 'vm-dossier-patient', 5004, 'high', 'production', ''),
    (200012, 'NetworkDevice', 'sw-bloc-opératoire', 5004, 'high', 'production', ''),
    (200013, 'ApplicationSolution', 'Dossier patient', 5004, 'high', 'active', ''),
    (200014, 'WebServer', 'nginx', 5004, 'medium', 'active', 'vm-dossier-patient'),
    (200015, 'Server', 'o''brien-nas', 5005, 'low', 'production', ''),
    (200016, 'Printer', 'Printer 100% "lobby"', 5005, 'low', 'production', ''),
    (200017, 'Server', 'a\b', 5008, 'low', 'production', ''),
    (200018, 'Server', 'vpn-gw', 5001, 'high', 'production', '');

INSERT INTO ci_impact (source_id, impacted_id) VALUES
    (200002, 200007), (200001, 200007), (200011, 200014), (200011, 200013);
