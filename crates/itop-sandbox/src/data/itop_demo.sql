-- What the recordings show of iTop's own demo set, at its recorded ids. Objects that no
-- recording names (most persons of IT Department) only keep the counts right.

INSERT INTO base_organization (id, name, code, deliverymodel_id) VALUES
    (1, 'My Company/Department', 'SOMECODE', 0),
    (2, 'IT Department', 'IT', 0),
    (3, 'Demo', '', 1);

INSERT INTO base_contact (id, finalclass, first_name, name, org_id, email) VALUES
    (1, 'Person', 'My first name', 'My last name', 1, 'my.email@foo.org'),
    (2, 'Person', 'Pablo', 'Picasso', 3, 'pablo.picasso@demo.com'),
    (3, 'Person', 'Salvador', 'Dali', 3, 'salvator.dali@demo.com'),
    (5, 'Person', 'Eugene', 'Delacroix', 3, 'eugene.delacroix@demo.com'),
    (6, 'Person', 'Claude', 'Monet', 3, 'claude.monet@demo.com'),
    (8, 'Person', 'Frida', 'Kahlo', 3, 'frida.kahlo@demo.com'),
    (9, 'Person', 'Jules', 'Verne', 2, 'jules.verne@it.com'),
    (10, 'Person', 'Victor', 'Hugo', 2, 'victor.hugo@it.com'),
    (12, 'Person', 'Anna', 'Gavalda', 2, 'anna.gavalda@it.com'),
    (13, 'Person', 'Marguerite', 'Duras', 2, 'marguerite.duras@it.com'),
    (15, 'Person', 'Agatha', 'Christie', 3, 'agatha.christie@demo.com'),
    (18, 'Person', 'René', 'Descartes', 3, 'rene.descartes@demo.com'),
    (36, 'Team', '', 'Hardware support', 2, 'hw@test.com'),
    (37, 'Team', '', 'Helpdesk', 2, ''),
    (38, 'Team', '', 'Network support', 2, 'nw@test.com'),
    (39, 'Team', '', 'System & application support', 2, '');

INSERT INTO base_delivery_model (id, name, org_id) VALUES (1, 'Standard support', 2);
INSERT INTO base_delivery_contact (deliverymodel_id, contact_id) VALUES (1, 37), (1, 39);

INSERT INTO base_service (id, name, description) VALUES
    (1, 'Computers and peripherals', 'Ordering of new hardware (Desktop computer, laptop computer, monitor, mouse, keyboard...) and support in case of hardware failure.'),
    (2, 'Software', 'Management of computer software and applications. Installation, upgrade, troubleshooting and removal of software.'),
    (3, 'Telecom and connectivity', 'Ordering and configuration of new mobile phones, computer connectivity requests, cabling, etc...');

INSERT INTO base_service_element (id, name, service_id, request_type) VALUES
    (1, 'Microsoft Office Support', 2, 'service_request'),
    (2, 'Mobile phone/SIM locking', 3, 'service_request'),
    (3, 'Mobile phone/SIM unlocking', 3, 'incident'),
    (4, 'Network Troubleshooting', 3, 'incident'),
    (5, 'New desktop ordering', 1, 'service_request'),
    (6, 'New DNS name', 3, 'service_request'),
    (7, 'New IP address', 3, 'service_request'),
    (8, 'New laptop ordering', 1, 'service_request'),
    (9, 'New LCD monitor ordering', 1, 'service_request'),
    (10, 'New mobile phone ordering', 3, 'service_request'),
    (11, 'New peripheral', 1, 'service_request'),
    (12, 'Repair', 1, 'incident'),
    (13, 'Software Installation / Upgrade', 2, 'service_request'),
    (14, 'Software removal', 2, 'service_request'),
    (15, 'Troubleshooting', 2, 'incident'),
    (16, 'Troubleshooting', 1, 'incident'),
    (17, 'Windows installation/upgrade', 2, 'service_request');

INSERT INTO base_customer_contract (id, name, org_id) VALUES (1, 'Demo support contract', 3);
INSERT INTO base_contract_service (customercontract_id, service_id) VALUES (1, 1), (1, 2), (1, 3);

INSERT INTO base_ci (id, finalclass, name, org_id, business_criticity, status, system_name) VALUES
    (1, 'Server', 'Server1', 3, 'medium', 'production', ''),
    (2, 'Server', 'Server2', 3, 'low', 'production', ''),
    (3, 'Server', 'Server3', 3, 'low', 'production', ''),
    (4, 'Server', 'Server4', 3, 'low', 'production', ''),
    (5, 'NetworkDevice', 'Router1', 3, 'low', 'production', ''),
    (6, 'NetworkDevice', 'Switch1', 3, 'medium', 'production', ''),
    (7, 'DBServer', 'Oracle', 3, 'low', 'active', 'Server1'),
    (8, 'DatabaseSchema', 'odooprod', 3, 'low', 'active', ''),
    (9, 'WebServer', 'IIS', 3, 'low', 'active', 'Server4'),
    (10, 'WebApplication', 'onlineSales', 3, 'low', 'active', ''),
    (11, 'ApplicationSolution', 'CRM', 3, 'high', 'active', ''),
    (12, 'ApplicationSolution', 'ERP', 3, 'low', 'active', ''),
    (13, 'ApplicationSolution', 'itop', 3, 'low', 'active', ''),
    (14, 'ApplicationSolution', 'Sales web site', 3, 'low', 'active', ''),
    (15, 'Rack', 'Rack1', 3, 'low', 'production', ''),
    (16, 'Farm', 'Cluster1', 3, 'low', 'production', ''),
    (17, 'Farm', 'Cluster2', 3, 'medium', 'production', ''),
    (18, 'Hypervisor', 'ESX1', 3, 'low', 'production', ''),
    (19, 'Hypervisor', 'ESX2', 3, 'low', 'production', ''),
    (20, 'Hypervisor', 'ESX3', 3, 'low', 'production', ''),
    (21, 'VirtualMachine', 'VM1', 3, 'low', 'production', ''),
    (22, 'VirtualMachine', 'VM2', 3, 'low', 'production', ''),
    (23, 'VirtualMachine', 'VM3', 3, 'low', 'production', ''),
    (24, 'VirtualMachine', 'VM4', 3, 'low', 'production', ''),
    (25, 'DBServer', 'MySQL', 3, 'medium', 'active', 'VM1'),
    (26, 'DBServer', 'Oracle', 3, 'low', 'active', 'Server2'),
    (27, 'DatabaseSchema', 'itop-demo', 3, 'low', 'active', ''),
    (28, 'DatabaseSchema', 'sugarcrmprod', 3, 'low', 'active', ''),
    (29, 'WebServer', 'Apache', 3, 'low', 'active', 'VM1'),
    (30, 'WebApplication', 'Odoo', 3, 'low', 'active', ''),
    (31, 'WebApplication', 'Sugar CRM', 3, 'low', 'active', '');

INSERT INTO ci_impact (source_id, impacted_id) VALUES
    (29, 30), (30, 12), (30, 14), (29, 31), (31, 11), (29, 13), (4, 9), (9, 10);

INSERT INTO base_typology (id, finalclass, name) VALUES
    (46, 'NetworkDeviceType', 'Router'),
    (47, 'NetworkDeviceType', 'Switch');
