// Runs the script of a media type as Zabbix does, under node. Standard input has the script and its
// parameters; what comes of it is said as JSON.
'use strict';
const { execFileSync } = require('child_process');
const { script, parameters } = JSON.parse(require('fs').readFileSync(0, 'utf8'));

// Zabbix's own waits for the answer, and tells the body alone.
class HttpRequest {
    constructor() { this.headers = []; this.status = 0; }
    addHeader(header) { this.headers.push(header.split(/:\s*(.*)/s).slice(0, 2)); }
    getStatus() { return this.status; }
    post(url, body) {
        const sent = JSON.stringify({ url, body, headers: this.headers });
        const program = `
            const { url, body, headers } = JSON.parse(require('fs').readFileSync(0, 'utf8'));
            fetch(url, { method: 'POST', body, headers })
                .then(async (answer) => console.log(JSON.stringify([answer.status, await answer.text()])))
                .catch((error) => { console.error(String(error)); process.exit(1); });`;
        let answer;
        try {
            answer = execFileSync(process.execPath, ['-e', program], { input: sent, stdio: 'pipe' });
        } catch (error) {
            throw 'cannot get URL: ' + error.stderr;
        }
        const [status, text] = JSON.parse(answer);
        this.status = status;
        return text;
    }
}

const logged = [];
const Zabbix = { log: (level, text) => logged.push([level, text]) };
let outcome;
try {
    const run = new Function('value', 'HttpRequest', 'Zabbix', script);
    outcome = { returned: run(JSON.stringify(parameters), HttpRequest, Zabbix) };
} catch (error) {
    outcome = { thrown: String(error) };
}
console.log(JSON.stringify({ ...outcome, logged }));
