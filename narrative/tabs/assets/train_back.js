// From the books back to the jobs.
element.querySelector('button').addEventListener('click', () => window.narrativeTrain.go('jobs'));
