"""How it is measured: processes, the order of laps, what a killed run goes on with."""
